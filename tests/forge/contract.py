"""GitHub's OpenAPI description as a contract: what a request and a response must be like, and what one may be."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_schema_validator import OAS30Validator

_DESCRIPTION = Path(__file__).parent / "openapi" / "github.json"


class Contract:
    """Checks traffic against the description, and makes answers that it allows."""

    def __init__(self) -> None:
        self.description = json.loads(_DESCRIPTION.read_text("utf-8"))
        self._components = self.description["components"]

    def operation(self, verb: str, path: str) -> tuple[str, dict[str, Any], dict[str, str]] | None:
        """The template, the operation and the path's parameters that a request means."""
        for template, verbs in self.description["paths"].items():
            values = _match(template, path)
            if values is not None and verb.lower() in verbs:
                return template, verbs[verb.lower()], values
        return None

    def check_request(self, verb: str, target: str, body: Any) -> Iterator[str]:
        """What is wrong with a request."""
        parts = urlsplit(target)
        found = self.operation(verb, parts.path)
        if found is None:
            yield f"{verb} {parts.path} is no operation of the description"
            return
        _, operation, values = found
        parameters = [self._resolved(parameter) for parameter in operation.get("parameters", ())]
        given = {"path": values, "query": dict(parse_qsl(parts.query, keep_blank_values=True))}
        for parameter in parameters:
            value = given.get(parameter["in"], {}).pop(parameter["name"], None)
            if value is None:
                if parameter.get("required"):
                    yield f"{verb} {target}: {parameter['name']} is missing"
                continue
            schema = self._resolved(parameter["schema"])
            yield from self._errors(f"{verb} {target}: {parameter['name']}", schema, _cast(value, schema))
        for name in given["query"]:
            yield f"{verb} {target}: unknown parameter {name}"
        yield from self._check_body(f"{verb} {target}", operation, body)

    def check_response(self, verb: str, target: str, status: int, body: Any) -> Iterator[str]:
        """What is wrong with an answer; one with a status that is not described must be a basic error."""
        found = self.operation(verb, urlsplit(target).path)
        if found is None:
            return
        response = self._resolved(found[1]["responses"].get(str(status), {}))
        content = response.get("content", {}).get("application/json")
        schema = content["schema"] if content else {"$ref": "#/components/schemas/basic-error"}
        yield from self._errors(f"{verb} {target} -> {status}", schema, body)

    def example(self, schema: str, /, **values: Any) -> dict[str, Any]:
        """The smallest object that a schema of the description allows, with some values given."""
        made = self._example(self._components["schemas"][schema])
        return {**made, **values}

    def _check_body(self, where: str, operation: dict[str, Any], body: Any) -> Iterator[str]:
        content = self._resolved(operation.get("requestBody", {})).get("content", {}).get("application/json")
        if content is None:
            if body is not None:
                yield f"{where}: a body that the operation does not have"
            return
        if body is None:
            if operation["requestBody"].get("required"):
                yield f"{where}: the body is missing"
            return
        schema = self._resolved(content["schema"])
        yield from self._errors(where, schema, body)
        known = schema.get("properties")
        if known and isinstance(body, dict):
            for key in body.keys() - known.keys():
                yield f"{where}: unknown property {key}"

    def _errors(self, where: str, schema: dict[str, Any], value: Any) -> Iterator[str]:
        validator = OAS30Validator({"allOf": [schema], "components": self._components})
        for error in validator.iter_errors(value):
            yield f"{where}: {'/'.join(map(str, error.absolute_path))}: {error.message[:300]}"

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node:
            _, _, kind, name = node["$ref"].split("/", 3)
            node = self._components[kind][name]
        return node

    def _example(self, schema: dict[str, Any]) -> Any:
        schema = self._resolved(schema)
        if schema.get("nullable"):
            return None
        if "enum" in schema:
            return schema["enum"][0]
        for key in ("allOf", "oneOf", "anyOf"):
            if key in schema:
                return self._example(schema[key][0])
        kind = schema.get("type", "object")
        if kind == "object":
            properties = schema.get("properties", {})
            return {name: self._example(properties.get(name, {})) for name in schema.get("required", ())}
        formats = {"date-time": "2024-01-01T00:00:00Z", "uri": "https://example.invalid/"}
        plain = {"string": formats.get(schema.get("format", ""), ""), "integer": 0, "number": 0, "boolean": False}
        return plain.get(kind, [])


def _match(template: str, path: str) -> dict[str, str] | None:
    expected, given = template.split("/"), path.split("/")
    if len(expected) != len(given):
        return None
    values = {}
    for name, value in zip(expected, given, strict=True):
        if name.startswith("{"):
            values[name[1:-1]] = value
        elif name != value:
            return None
    return values


def _cast(value: str, schema: dict[str, Any]) -> Any:
    return int(value) if schema.get("type") == "integer" and value.isdigit() else value
