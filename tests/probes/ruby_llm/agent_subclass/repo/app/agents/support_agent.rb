class SupportAgent < RubyLLM::Agent
  model "anthropic/claude-sonnet-4.5", provider: :openrouter
  instructions "You help customers."
  temperature 0.2
end
