RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["OPENROUTER_API_KEY"]
  config.openrouter_api_base = "https://openrouter.ai/api/v1"
  config.default_model = "anthropic/claude-sonnet-4.5"
  config.request_timeout ||= 60
end
