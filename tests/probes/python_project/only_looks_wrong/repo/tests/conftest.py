from test_store import T
