"""The contract (doc/openapi.yaml) as a judge of real answers.

    contract = Contract()
    contract.faults("GET", "/v1/smtp", answer)   # what the answer does that the contract does not say

A fault is a sentence; an answer as promised has none. More is asked than the schemas say: a member that no schema names is a
fault too, because a client can rely on nothing that is not written down; and so is a problem code that the refusal's description
does not name. A schema with a keyword that nobody here judges is a fault itself: what it asks for would be taken as given.
"""
import json
import pathlib
import re

import jsonschema
import yaml

FILE = pathlib.Path(__file__).resolve().parent.parent.parent / "doc/openapi.yaml"
RFC_3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?"


def format_checker(zone):
    checker = jsonschema.FormatChecker(formats=())
    for name, pattern in {"date-time": RFC_3339 + zone, "date": r"\d{4}-\d\d-\d\d", "uri": r"https?://\S+", "email": r".+@.+"}.items():
        checker.checkers[name] = (lambda value, pattern=pattern: not isinstance(value, str) or re.fullmatch(pattern, value) is not None, ())
    return checker


ANSWERS, REQUESTS = format_checker("Z"), format_checker(r"(Z|[+-]\d\d:\d\d)")  # ours are in UTC, theirs as they like
JUDGE = jsonschema.Draft202012Validator
SPOKEN = {"description", "default", "examples", "writeOnly"}  # what a schema only says


class Contract:
    def __init__(self, file=FILE):
        self.document = yaml.load(file.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        # "/v1/emails/{id}" as a pattern; paths without a parameter come first, so that they win.
        paths = sorted(self.document["paths"], key=lambda path: "{" in path)
        self.paths = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]
        self.validators = {}
        self.judged = set()  # polling asks the same again and again

    def faults(self, method, path, answer, request=None):
        """`request` is the JSON that was sent; if it was taken (2xx), the contract has to allow it."""
        path = path.split("?")[0]
        media_type = {name.lower(): value for name, value in answer.headers.items()}.get("content-type", "").split(";")[0]
        key = hash((method, path, answer.status, media_type, answer.body))
        if key in self.judged:
            return []
        self.judged.add(key)
        template = next((template for pattern, template in self.paths if pattern.fullmatch(path)), None)
        faults = self._faults(method, template, answer, media_type, request)
        return [f"{method} {template or path} {answer.status}: {fault}" for fault in faults]

    def _faults(self, method, template, answer, media_type, request):
        if template is None:
            return [] if answer.status == 404 else ["the path is not in the contract"]
        operation = self.document["paths"][template].get(method.lower())
        if operation is None:
            return [] if answer.status in (404, 405) else ["the method is not in the contract"]
        described = operation["responses"].get(str(answer.status))
        if described is None:
            return [f"the status is not in the contract; the body is {answer.body[:200]!r}"]
        faults = self._body_faults(self.resolve(described), answer, media_type)
        if answer.status >= 400 and not faults:
            faults = self._code_faults(described, answer)
        if request is not None and answer.status // 100 == 2:
            schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", True)
            faults += [f"the request was taken, but {fault}" for fault in self._value_faults(schema, request, REQUESTS)]
        return faults

    def resolve(self, node):
        while isinstance(node, dict) and "$ref" in node:
            found = self.document
            for step in node["$ref"].removeprefix("#/").split("/"):
                found = found[step]
            node = found
        return node

    def _body_faults(self, described, answer, media_type):
        content = described.get("content", {})
        if media_type not in content:
            return [f"the media type is {media_type!r}, not {sorted(content)}"]
        if not media_type.endswith("json"):
            return []
        try:
            value = json.loads(answer.body)
        except ValueError as error:
            return [f"no JSON: {error}"]
        return self._value_faults(content[media_type]["schema"], value)

    def _code_faults(self, described, answer):
        """Whether the description names the code; of wrong fields it need not."""
        problem = json.loads(answer.body)
        code, fields = problem["code"], [each["code"] for each in problem.get("errors", [])]
        if fields and code in ("invalid_fields", *fields):
            return []
        words = described.get("description") or self.resolve(described)["description"]
        return [] if code in re.findall(r"\w+", words) else [f"the code {code} is not in the contract: {words!r}"]

    def _unjudged(self, schema, seen):
        """The keywords, of all schemas that this one leads to, that no validator looks at."""
        if not isinstance(schema, dict) or id(schema) in seen:
            return
        seen.add(id(schema))
        yield from schema.keys() - JUDGE.VALIDATORS.keys() - SPOKEN
        if schema.get("format", "date") not in ANSWERS.checkers:
            yield f"format: {schema['format']}"
        parts = [*schema.get("properties", {}).values()]
        for word in ("allOf", "oneOf", "anyOf"):
            parts += schema.get(word, [])
        for word in ("items", "additionalProperties", "propertyNames"):
            parts.append(schema.get(word))
        if "$ref" in schema:
            parts.append(self.resolve(schema))
        for part in parts:
            yield from self._unjudged(part, seen)

    def _value_faults(self, schema, value, formats=ANSWERS):
        validator = self.validators.get((id(schema), id(formats)))
        if validator is None:
            unjudged = sorted(set(self._unjudged(schema, set())))
            if unjudged:
                return [f"nobody judges {', '.join(unjudged)}"]
            root = {"allOf": [schema], "components": self.document["components"]}
            validator = self.validators[id(schema), id(formats)] = JUDGE(root, format_checker=formats)
        faults = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(value)]
        return faults + [f"{place} is in no schema" for place in self._unnamed([schema], value, "$")]

    def _parts(self, schema):
        """The schemas that together describe one value."""
        schema = self.resolve(schema)
        if not isinstance(schema, dict):
            return []
        parts = [schema]
        for word in ("allOf", "oneOf", "anyOf"):
            for each in schema.get(word, []):
                parts += self._parts(each)
        return parts

    def _unnamed(self, schemas, value, place):
        """Where `value` has members that none of the schemas names."""
        parts = [part for schema in schemas for part in self._parts(schema)]
        if isinstance(value, list):
            items = [part["items"] for part in parts if "items" in part]
            return [each for i, item in enumerate(value) for each in self._unnamed(items, item, f"{place}[{i}]")]
        if not isinstance(value, dict) or not any("properties" in part for part in parts):
            return []
        found = []
        for name, member in value.items():
            named = [part["properties"][name] for part in parts if name in part.get("properties", {})]
            open_ones = [part["additionalProperties"] for part in parts if part.get("additionalProperties")]
            if not named and not open_ones:
                found.append(f"{place}.{name}")
            found += self._unnamed(named, member, f"{place}.{name}")
        return found
