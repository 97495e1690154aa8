raise "no key for payments" if ENV["STRIPE_API_KEY"].blank?
raise "no key for OpenAI" if ENV["OPENAI_API_KEY"].blank?
