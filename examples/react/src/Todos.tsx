import { fetch } from "kakao-login-client";
import { type FormEvent, useEffect, useState } from "react";

interface Todo {
  id: string;
  text: string;
}

/** Asks `service/todos.py`. A session that has expired is renewed on the way. */
async function ask(path: string, options?: RequestInit) {
  const answer = await fetch(`/api/todos${path}`, options);
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer;
}

const load = async (): Promise<Todo[]> => (await (await ask("")).json()).todos;

export function Todos() {
  const [todos, setTodos] = useState<Todo[]>([]);
  const [problem, setProblem] = useState("");

  async function change(task: () => Promise<unknown>) {
    try {
      await task();
      setTodos(await load());
      setProblem("");
    } catch {
      setProblem("할 일을 불러오지 못했어요. 다시 시도해 주세요.");
    }
  }

  useEffect(() => void change(async () => {}), []);

  function add(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    const text = new FormData(form).get("text");
    change(async () => {
      const headers = { "Content-Type": "application/json" };
      await ask("", { method: "POST", headers, body: JSON.stringify({ text }) });
      form.reset();
    });
  }

  return (
    <>
      <form onSubmit={add}>
        <label>
          할 일 <input name="text" required />
        </label>
        <button>더하기</button>
      </form>
      {problem && <p role="alert">{problem}</p>}
      <ul>
        {todos.map(({ id, text }) => (
          <li key={id}>
            <bdi>{text}</bdi> <button onClick={() => change(() => ask(`/${id}`, { method: "DELETE" }))}>지우기</button>
          </li>
        ))}
      </ul>
    </>
  );
}
