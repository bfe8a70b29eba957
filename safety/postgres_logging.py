"""What Postgres is told, so that its log holds nothing of what people write."""

# A failed statement would be logged with its words, its parameters, the keys it stumbled over or
# the value it could not read. Our own log has its type, its SQLSTATE and its place instead.
QUIET = {
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_min_error_statement": "panic",
    # Above “error” in Postgres's own order: what the server says about itself is kept.
    "log_min_messages": "log",
    # Without the lines of detail, which name keys, and the statement a crash interrupted.
    "log_error_verbosity": "terse",
}
