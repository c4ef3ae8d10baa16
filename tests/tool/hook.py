"""What schemathesis has to know of this API: where its schemas go round in circles, and what no schema can say.

A condition (`where`, `having`) may hold conditions, through `and`, `or`, `not` and every relation of the model. Schemathesis
tries each value of each schema in each place where it stands; with circles that is a number of requests that no machine ends.
So conditions are shortened before it reads them: what stands inside of another one has few fields and operators, and only one
list gets all operators. It also sends all parameters at once when it tries one of them, and a request has a hundred of them at
most: the filters of a type are dealt out to the operations that have them. The server is told nothing of this.
"""

import copy
import os

import schemathesis

# What a condition inside of another one may still say.
FIELDS = 2
OPERATORS = ("eq", "gt", "in", "isNull", "has")

# The list whose conditions have all operators, if any.
WHOLE = os.environ.get("TOOL_WHOLE")

# What the server says of requests whose every part fits its schema, and that are refused all the same.
INEXPRESSIBLE = {
    "CURSOR_INVALID",  # a cursor is one that the server gave
    "PAGE_INVALID",  # a page begins at one place
    "IDEMPOTENCY_KEY_REUSED",  # a key belongs to one request
    "VERSION_MISMATCH",  # an entity tag belongs to one state of one row
    "WHERE_REQUIRED",  # a change of many rows needs a condition, whichever
    "OUT_OF_RANGE",  # what rows add up to depends on the rows
    "QUERY_TOO_LONG",  # a hundred filters at once
}

# The same where the word alone would allow too much: the word, and what is in the sentence.
SAID = (
    ("BAD_REQUEST", "is twice in the order."),
    ("BAD_REQUEST", "is grouped by twice."),
    ("UNKNOWN_FIELD", "is not grouped by."),
    ("UNKNOWN_FIELD", "Groups can't be sorted by"),
    # What is said of an expanded list comes with its expansion.
    ("BAD_REQUEST", "is not expanded."),
    # A merge patch of what is not there yet makes it, and then it has to be whole.
    ("BAD_VALUE", "`street` is required."),
    ("BAD_VALUE", "is too large to be kept exactly in JSON."),
    # `multipleOf` can't say it of binary fractions.
    ("BAD_VALUE", "A Decimal has at most 6 fraction digits."),
    # Limits on a request as a whole.
    ("LIMIT_EXCEEDED", "One request may write 1000 rows, nested ones included."),
)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    components = raw_schema["components"]
    shorten(components["schemas"])
    operations = [
        operation
        for item in raw_schema["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and "parameters" in operation
    ]
    for operation in operations:
        # A patch is read alike under both of its names.
        content = operation.get("requestBody", {}).get("content", {})
        if "application/merge-patch+json" in content:
            content.pop("application/json", None)
        if operation["operationId"] != WHOLE:
            operation["parameters"] = [briefly(parameter) for parameter in operation["parameters"]]
    deal(operations)


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Whether a finding is one."""
    if type(failure).__name__ == "AcceptedNegativeData":
        # An empty list and a list of one empty text are written alike: `group=`.
        return not any(value in ("", [""]) for value in (case.query or {}).values())
    if type(failure).__name__ != "RejectedPositiveData":
        return True
    # A hundred filters at once are longer than the head of a request may be; there is no body then.
    if response.status_code == 431:
        return False
    # Schemathesis gives an id that it has learned to every parameter of that name, whatever its schema.
    if case.query and case.path_parameters and case.query.get("id") == case.path_parameters.get("id"):
        return False
    problem = response.json()
    said = any(problem["code"] == code and part in problem["detail"] for code, part in SAID)
    return not said and problem["code"] not in INEXPRESSIBLE


def shorten(schemas):
    """Gives every condition a short form, `X__short`, and has the long ones hold only short ones."""
    conditions = {name for name in schemas if name.rstrip("_").endswith(("Where", "Having"))}
    for name in sorted(conditions):
        whole = schemas[name]
        few = dict(item for item in whole["properties"].items() if not refers(item[1], conditions))
        few = dict(list(few.items())[:FIELDS])
        schemas[f"{name}__short"] = {**whole, "properties": {key: fewer(value, schemas) for key, value in few.items()}}
    for name in conditions:
        schemas[name] = inside(schemas[name], conditions)


def refers(node, names):
    """Whether a schema leads to one of these."""
    if isinstance(node, dict):
        return node.get("$ref", "").rsplit("/", 1)[-1] in names or any(refers(value, names) for value in node.values())
    return isinstance(node, list) and any(refers(value, names) for value in node)


def inside(node, conditions):
    """The same with the short form of every condition that it leads to."""
    if isinstance(node, list):
        return [inside(value, conditions) for value in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref", "").rsplit("/", 1)[-1] in conditions:
        return {**node, "$ref": f"{node['$ref']}__short"}
    return {key: inside(value, conditions) for key, value in node.items()}


def fewer(node, schemas):
    """A field's operators, or a function's fields, without most of them."""
    if "$ref" in node:
        node = schemas[node["$ref"].rsplit("/", 1)[-1]]
    properties = node.get("properties")
    if properties is None:
        return node
    kept = {key: value for key, value in properties.items() if key in OPERATORS}
    if not kept:
        kept = {key: fewer(value, schemas) for key, value in list(properties.items())[:FIELDS]}
    return {**node, "properties": kept}


def briefly(parameter):
    """A condition in a parameter in its short form."""
    if parameter.get("name", "").split("[")[0] not in ("where", "having") or "content" not in parameter:
        return parameter
    parameter = copy.deepcopy(parameter)
    parameter["content"]["application/json"]["schema"]["$ref"] += "__short"
    return parameter


def deal(operations):
    """Leaves each filter with one of the operations that have it, in turn."""
    # They are shared under `Type.field.operator`.
    holders = {}
    for at, operation in enumerate(operations):
        for parameter in operation["parameters"]:
            key = parameter.get("$ref", "").rsplit("/", 1)[-1]
            if "." in key and not key.startswith("having."):
                holders.setdefault(key, []).append(at)
    keeper = {key: found[turn % len(found)] for turn, (key, found) in enumerate(sorted(holders.items()))}
    for at, operation in enumerate(operations):
        operation["parameters"] = [
            parameter
            for parameter in operation["parameters"]
            if keeper.get(parameter.get("$ref", "").rsplit("/", 1)[-1], at) == at
        ]
