"""The port to ClickHouse: inside this process on a laptop, a server elsewhere, one code path for both."""
