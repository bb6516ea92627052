"""Mail about accounts: asked for in the transaction that needs it, written and sent afterwards."""
