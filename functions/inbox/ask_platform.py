"""Called by other functions: asks a platform whether a token reaches an account.

It lies in no network of ours and knows no database.
"""

from typing import Any

from parley.inbox.platforms.meta_graph_api import confirm_number


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, str]:
    return {"confirmation": confirm_number(str(event["phone_number_id"]), str(event["access_token"]), float(event["seconds"])).value}
