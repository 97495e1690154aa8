key = ENV["OPENROUTER_API_KEY"] || raise("OPENROUTER_API_KEY is not set")
RubyLLM.configure { |config| config.openrouter_api_key = key }
