"""What is known of openai, from 2.0 to 3.57: parameters, and the names and texts in functions.

A function with another name or text does something that we do not know.
"""

from __future__ import annotations

# The parameters that we pass, and the others that are known.
REQUEST_PARAMETERS = {"self", "cast_to", "options", "stream", "stream_cls"}, {"remaining_retries"}
STREAM_PARAMETERS = {"self", "cast_to", "response", "client"}, {"options"}
PROCESS_PARAMETERS = {"self", "data", "cast_to", "response"}, set[str]()
RESPONSE_PARAMETERS = (
    {"self", "cast_to", "response"},
    {"options", "stream", "stream_cls", "retries_taken"},
)

# A stream's loop, and how it gets its events.
LOOP = {
    *("APIConnectionError", "APIError", "APITimeoutError"),
    *("An error occurred during streaming", "Any", "HTTP/1.1", "[DONE]", "_cast_to"),
    *("_client", "_decoder", "_iter_events", "_options", "_process_response_data"),
    *("aclose", "aiter_bytes", "cast", "close", "data", "drain_response_async", "error"),
    *("event", "get", "http_version", "is_mapping", "isinstance", "iter_bytes", "json"),
    *("legacy", "message", "request", "request_exceptions", "response", "startswith"),
    *("str", "stream_mode", "synthesize_event_and_data", "thread.", "timeout_exceptions"),
}
NEEDED_IN_LOOP = {"[DONE]", "error", "_iter_events", "_process_response_data"}

# How bytes become events.
DECODER = {
    *("", "\0", "\n", " ", ")", ", data=", ", id=", ", retry=", ":", "ServerSentEvent"),
    *("ServerSentEvent(event=", "TypeError", "ValueError", "_SSELineDecoder"),
    *("_SSE_LINE_END", "_aiter_chunks", "_append", "_buffer", "_data", "_decode_lines"),
    *("_event", "_id", "_iter_chunks", "_last_event_id", "_reset", "_retry", "_skip_lf"),
    *("append", "bytearray", "bytes", "clear", "data", "decode", "endswith", "event"),
    *("extend", "feed", "finditer", "finish", "id", "int", "join", "json", "len", "loads"),
    *("memoryview", "partition", "retry", "splitlines", "start", "startswith", "utf-8"),
}

# How a reply or an event becomes an object.
PROCESS = {
    *("APIResponseValidationError", "ModelBuilderProtocol", "ResponseT", "ValidationError"),
    *("VectorStoreFileBatch", "__setattr__", "_strict_response_validation", "build"),
    *("cast", "construct_type", "get", "inspect", "is_dict", "isclass", "issubclass"),
    *("object", "pydantic", "types.vector_stores", "validate_type"),
}
CONSTRUCT = {
    *("Any", "BaseModel", "Exception", "GenericModel", "PYDANTIC_V1", "RuntimeError"),
    *("_ConfigProtocol", "__new__", "__setattr__", "__value__"),
    *("_build_discriminated_union_meta", "_construct_field", "_get_extra_fields_type"),
    *("_init_private_attributes", "add", "alias", "allow_population_by_field_name"),
    *("annotation", "cast", "construct", "construct_type", "date", "datetime", "dict"),
    *("extract_type_arg", "field_alias_from", "field_get_default", "field_name", "float"),
    *("get", "get_args", "get_model_config", "get_model_fields", "get_origin", "getattr"),
    *("inspect", "int", "is_annotated_type", "is_list", "is_literal_type", "is_mapping"),
    *("is_type_alias_type", "is_union", "isclass", "isinstance", "issubclass", "items"),
    *("len", "list", "mapping", "object", "outer_type_", "parse_date", "parse_datetime"),
    *("set", "str", "tuple", "type", "validate_type"),
}
# What a model class may have to make its objects in another way.
HOOKS = ("__init__", "__new__", "model_post_init", "__get_pydantic_core_schema__")

# The walk through a request's types that plain JSON does not need.
WALK_FUNCTIONS = (
    *("maybe_transform", "transform", "_transform_recursive", "_transform_typeddict"),
    *("_format_data", "_maybe_transform_key", "_get_annotated_type", "_no_transform_needed"),
)
WALK = {
    *WALK_FUNCTIONS,
    *("BaseModel", "IOBase", "Path", "PropertyInfo", "RuntimeError", "_T", "_compat", "alias"),
    *("b64encode", "base64", "bytes", "cast", "date", "datetime", "decode", "dict", "encode"),
    *("extract_type_arg", "float", "format", "format_template", "get", "get_args", "get_origin"),
    *("get_type_hints", "getattr", "int", "io", "is_annotated_type", "is_base64_file_input"),
    *("is_given", "is_iterable", "is_iterable_type", "is_list", "is_list_type", "is_mapping"),
    *("is_not_required_type", "is_required_type", "is_sequence", "is_sequence_type"),
    *("is_typeddict", "is_union_type", "isinstance", "isoformat", "items", "len", "list"),
    *("model_dump", "object", "pathlib", "pydantic", "read", "read_bytes", "str", "strftime"),
    *("strip_annotated_type", "type"),
}
# What the walk does not do to plain JSON.
FORMATS = (None, "iso8601", "base64", "custom")
