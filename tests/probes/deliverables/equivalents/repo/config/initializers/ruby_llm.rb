RubyLLM.configure do |config|
  config.openrouter_api_key = Rails.configuration.llm[:key]
end
