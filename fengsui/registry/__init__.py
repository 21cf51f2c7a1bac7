"""The registry: a relational database (SQLite in the small, PostgreSQL in the large) of what people own and change."""
