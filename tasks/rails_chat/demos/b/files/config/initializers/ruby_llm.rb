RubyLLM.configure do |config|
  config.openrouter_api_key = ENV.fetch("OPENROUTER_API_KEY", nil)
  config.default_model = "anthropic/claude-sonnet-4.6"
  config.request_timeout = 60
  config.max_retries = 1
end
