RubyLLM.configure do |config|
  config.openrouter_api_key = ENV["OPENROUTER_API_KEY"].presence
  config.default_model = ENV["LLM_MODEL"].presence || "anthropic/claude-sonnet-4.6"

  # RubyLLM would send the system prompt under OpenAI's role "developer"; Claude's is "system".
  config.openai_use_system_role = true

  # Someone is waiting in front of the page: fail in time and let them decide about another try.
  config.request_timeout = 60
  config.max_retries = 1
end
