"""OpenAI's wire format, as vLLM, Ollama and llama.cpp follow it: requests to JSON, JSON to replies."""

from __future__ import annotations

from typing import Any

from lookalike.core.dialogue import Finish, Reply, Request, TokenProbability


def body_of(model: str, request: Request) -> dict[str, Any]:
    """Return the JSON body of a request: a plain completion when it has a prompt, else a chat.

    Args:
        model: Name of the model, as the server knows it.
        request: What is asked.
    """
    body: dict[str, Any] = {
        "model": model,
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "seed": request.seed,
    }
    if request.stop:
        body["stop"] = list(request.stop)
    if request.prompt:
        body["prompt"] = request.prompt
        if request.logprobs or request.echo:
            body |= {"logprobs": request.logprobs, "echo": request.echo}
        return body
    body["messages"] = [{"role": message.role, "content": message.content} for message in request.messages]
    if request.logprobs:
        body |= {"logprobs": True, "top_logprobs": request.logprobs}
    if request.json_schema is not None:
        shape = {"name": "answer", "strict": True, "schema": dict(request.json_schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": shape}
    return body


def reply_of(answer: Any, model: str) -> Reply:  # noqa: ANN401  JSON
    """Return the reply that a JSON answer holds.

    Args:
        answer: What the server sent.
        model: Name to use when the answer names no model.

    Raises:
        KeyError, TypeError, IndexError, ValueError, AttributeError: It is no such answer.
    """
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    told = choice.get("finish_reason")
    finish: Finish = told if told in ("stop", "length") else "other"
    if not isinstance(text, str):
        text, finish = "", "other"
    paid, made = (int(usage.get(name) or 0) for name in ("prompt_tokens", "completion_tokens"))
    return Reply(text, finish, str(answer.get("model") or model), paid, made, _logprobs(choice.get("logprobs")))


def _logprobs(found: Any) -> tuple[TokenProbability, ...]:  # noqa: ANN401  JSON
    if not found:
        return ()
    if "content" in found:
        return tuple(
            TokenProbability(
                one["token"],
                float(one["logprob"]),
                {top["token"]: float(top["logprob"]) for top in one["top_logprobs"]},
            )
            for one in found["content"] or ()
        )
    tops = found.get("top_logprobs") or [None] * len(found["tokens"])
    return tuple(
        TokenProbability(token, float(value or 0.0), dict(top or {}))
        for token, value, top in zip(found["tokens"], found["token_logprobs"], tops, strict=True)
    )
