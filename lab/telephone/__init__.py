"""The simulated telephone company: Twilio's Calls API, TwiML, webhooks and streams."""
