import { reload, signInUrl, signOut, type User } from "kakao-login-client";
import { useState } from "react";
import { Todos } from "./Todos";
import { useSession } from "./useSession";

export function App() {
  const { state, user } = useSession();
  return (
    <>
      <h1>할 일</h1>
      {state === "loading" && <p role="status">잠시만 기다려 주세요.</p>}
      {state === "failed" && <button onClick={reload}>다시 시도</button>}
      {state === "signed-out" && <a href={signInUrl()}>카카오 로그인</a>}
      {user && <SignedIn user={user} />}
    </>
  );
}

function SignedIn({ user }: { user: User }) {
  const [problem, setProblem] = useState("");
  const leave = () => signOut().catch(() => setProblem("로그아웃하지 못했어요. 다시 시도해 주세요."));
  return (
    <>
      <p>
        <bdi>{user.nickname ?? "회원"}</bdi>님, 안녕하세요. <button onClick={leave}>로그아웃</button>
      </p>
      {problem && <p role="alert">{problem}</p>}
      <Todos />
    </>
  );
}
