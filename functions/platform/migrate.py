"""The custom resource `Migrations`: every deployment brings the database to the newest revision before new code runs."""

from parley.kernel.postgres import migrations
from parley.kernel.workers.custom_resources import custom_resource

lambda_handler = custom_resource("migrations", lambda properties: {"Revision": migrations.upgrade()})
