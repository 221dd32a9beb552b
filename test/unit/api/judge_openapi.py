"""Judges recorded answers by doc/openapi.json: one JSON object a line on standard input with
`method`, `path`, `status`, `type` and `body` (the parsed JSON, or null). Every answer must be
described, and be what is described. Prints what is not and fails."""
import json
import re
import sys

import jsonschema


def operation(contract, method, path):
    for pattern, item in contract["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", pattern), path):
            return pattern, item.get(method.lower())
    return None, None


def judge(contract, answer):
    path = answer["path"].split("?")[0]
    pattern, described = operation(contract, answer["method"], path)
    where = f"{answer['method']} {path} {answer['status']}"
    if described is None:
        return f"{where}: not in the contract"
    response = described["responses"].get(str(answer["status"]))
    if response is None:
        return f"{where}: this status is not described for {pattern}"
    if "$ref" in response:
        response = contract["components"]["responses"][response["$ref"].split("/")[-1]]
    media = response["content"].get(answer["type"].split(";")[0])
    if media is None:
        return f"{where}: {answer['type']} is not described"
    if answer["body"] is None:
        return None
    schema = {"components": contract["components"], **media["schema"]}
    errors = list(jsonschema.Draft202012Validator(schema).iter_errors(answer["body"]))
    return f"{where}: {errors[0].json_path}: {errors[0].message}" if errors else None


# Whose every field says in words what it is.
TOLD = ["Account", "AccountSession", "AuditCheck", "AuditEvent", "Capture", "Invitation", "InvitationOffer", "InvitationWithLink", "Member", "Organisation",
        "PasswordReset", "PasswordResetOffer", "PasswordResetWithLink", "Session", "Template", "Token", "TokenQuota", "Webhook", "WebhookDelivery"]


def untold(schema, where):
    """The properties of a schema that have neither words, nor a name that stands for some, nor one value only."""
    for name, property_ in schema.get("properties", {}).items():
        if not {"description", "$ref", "const"} & property_.keys():
            yield f"{where}.{name} has no description"
        yield from untold(property_, f"{where}.{name}")
    for part in [schema["items"]] if "items" in schema else [*schema.get("allOf", []), *schema.get("anyOf", [])]:
        yield from untold(part, where)


def unable(contract):
    """Whatever writes may find the store busy, and says so."""
    for path, item in contract["paths"].items():
        for method in item.keys() & {"post", "put", "patch", "delete"}:
            if "503" not in item[method]["responses"]:
                yield f"{method.upper()} {path} does not describe 503"


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        contract = json.load(file)
    answers = [json.loads(line) for line in sys.stdin]
    faults = [fault for answer in answers if (fault := judge(contract, answer))]
    for name in TOLD:
        faults += untold(contract["components"]["schemas"][name], name)
    faults += unable(contract)
    print("\n".join(faults) or f"{len(answers)} answers judged", file=sys.stderr)
    sys.exit(1 if faults or not answers else 0)


main()
