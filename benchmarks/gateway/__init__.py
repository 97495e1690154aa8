"""What the gateway costs: latency, time to the first chunk, requests per second, beside the same upstream
reached directly and beside litellm's proxy as a peer, in one run."""
