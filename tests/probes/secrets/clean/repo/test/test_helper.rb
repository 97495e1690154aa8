ENV["OPENROUTER_API_KEY"] ||= "sk-or-test"
DUMMY = "sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
PLACEHOLDER = "sk-or-v1-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
KEY = "sk-ant-this-is-only-a-test-key-1234567890"
