RubyLLM.configure do |config|
  config.openrouter_api_key = ENV.fetch("OPENROUTER_API_KEY", nil)
  config.openrouter_api_base = ENV["OPENROUTER_API_BASE"] if ENV["OPENROUTER_API_BASE"].present?
end
