"""An OpenAI-compatible server on 127.0.0.1 that plays recorded steps, so that litellm's real HTTP path runs.

It keeps no state: which run is meant is the model's name, and which step comes next is the number of assistant messages
in the request, so that resumed and parallel runs are answered alike. Attempts and questions of a strategy are told
apart by the scope that their requests name.
"""

import json
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def playing(
    runs: Mapping[str, Sequence[Mapping[str, Any]]],
    *,
    told_by_title: bool = False,
    inherited: Mapping[str, int] | None = None,
    asked: Counter[str] | None = None,
    usage: tuple[int, int] | None = None,
) -> Iterator[str]:
    """Serve while the context is open, and give the base URL.

    Args:
        runs: for each model name (without `openai/`) its steps, each with a `thought` and `actions`.
        told_by_title: the runs are named by the issue's title instead, which is looked for in the prompt.
        inherited: the runs are named by the scope of a request instead; of each fork, how many replies it inherited.
        asked: counts the requests of each run.
        usage: tokens of prompt and answer that each answer is said to take; None reckons them.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            done = sum(message["role"] == "assistant" for message in request["messages"])
            name = _title(request, runs) if told_by_title else request["model"]
            if inherited is not None:
                name = self.headers.get("X-Fix-Issue-Scope", "")
                done -= inherited.get(name, 0)
            if asked is not None:
                asked[name] += 1
            steps = runs[name]
            body = json.dumps(_completion(request, steps[min(done, len(steps) - 1)], done, usage)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _title(request: Mapping[str, Any], runs: Mapping[str, Any]) -> str:
    prompt = "\n".join(str(message["content"]) for message in request["messages"] if message["role"] == "user")
    return max((title for title in runs if title in prompt), key=len)


def _completion(
    request: Mapping[str, Any], step: Mapping[str, Any], number: int, usage: tuple[int, int] | None
) -> dict[str, Any]:
    calls = [
        {
            "id": f"call_{number}_{position}",
            "type": "function",
            "function": {"name": action["tool"], "arguments": json.dumps(action["arguments"])},
        }
        for position, action in enumerate(step["actions"])
    ]
    prompt, answer = usage or (len(json.dumps(request["messages"])) // 4, 50)
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 0,
        "model": request["model"],
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": step["thought"], "tool_calls": calls},
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer},
    }
