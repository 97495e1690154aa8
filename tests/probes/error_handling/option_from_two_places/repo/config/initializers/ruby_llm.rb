RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["OPENROUTER_API_KEY"] || Rails.application.credentials.dig(:openrouter_api_key)
end
