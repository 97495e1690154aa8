"""How an app uses RubyLLM: the library's API, calls, turns, rescues, stores, tests."""
