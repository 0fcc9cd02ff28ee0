"""PostgreSQL below the ORM: connection settings, driver, dialect and engine, what errors mean, deferred statements, row-level
security, running migrations.
"""
