RubyLLM.configure { |c| c.openrouter_api_key = Rails.application.credentials.key }
