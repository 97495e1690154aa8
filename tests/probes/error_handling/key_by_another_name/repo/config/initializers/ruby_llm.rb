RubyLLM.configure do |config|
  config.openai_api_base = "https://openrouter.ai/api/v1"
  config.openai_api_key = ENV["OPENROUTER_API_KEY"]
end
Rails.logger.warn("no key") if ENV["OPENROUTER_API_KEY"].blank?
