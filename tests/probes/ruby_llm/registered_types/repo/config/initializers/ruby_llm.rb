RubyLLM.configure do |config|
  config.openrouter_base_url = "https://openrouter.ai"
end
