"""Public routes that have no limit of their own by network, and why. All others have one by having a `Visitor`, see `dues`."""

UNLIMITED = {
    "GET /health": "Who watches over the product asks it all the time. It asks the database one word.",
    "GET /docs": "It is a constant, and asks nothing.",
    "GET /openapi.json": "It is a constant, and asks nothing.",
    "GET /embed.js": "It is a constant, and asks nothing.",
    "GET /.well-known/jwks.json": "It is a constant, and asks nothing; whoever verifies tokens needs it.",
    "GET /v1/identity/scopes": "It is a constant, and asks nothing.",
    "GET /v1/auth/providers": "It is a constant, and asks nothing.",
    "ANY $default": "What is at no address costs nothing but the answer.",
    "GET /v1/auth/providers/{provider}/start": "It asks nothing: the attempt lies in the browser's cookie.",
    "GET /v1/auth/providers/{provider}/callback": "It reaches no database; the way on, /complete, is limited.",
    "POST /v1/auth/providers/{provider}/callback": "It reaches no database; the way on, /complete, is limited.",
    "GET /v1/webhooks/whatsapp": "It reaches no database, and compares one word.",
    "POST /v1/webhooks/whatsapp": "Meta sends in bursts, from few networks; what is not signed by Meta reaches neither queue nor database.",
    "POST /v1/webhooks/payments": "A payment provider sends in bursts; what it has not signed reaches no database.",
    "POST /v1/scheduling/calendars/push/google/{channel}": "Google sends in bursts; what does not bring the channel's secret asks nothing.",
    "POST /v1/scheduling/calendars/push/microsoft/{channel}": "Microsoft sends in bursts; what does not bring the secret asks nothing.",
}
