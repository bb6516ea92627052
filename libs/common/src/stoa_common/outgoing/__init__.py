"""Requests to addresses that customers type: `client` sends them, and `addresses` says where they may go."""
