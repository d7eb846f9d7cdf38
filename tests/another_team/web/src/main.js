import { onChange } from "kakao-login-client";

onChange(({ user }) => (document.title = user ? `상점: ${user.nickname}` : "상점"));
