RubyLLM.configure { |c| c.openrouter_api_key = ENV["OPENROUTER_API_KEY"] }
