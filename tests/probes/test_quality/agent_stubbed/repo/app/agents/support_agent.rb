class SupportAgent < RubyLLM::Agent
  model "anthropic/claude-sonnet-4.5", provider: :openrouter
  instructions "Be kind."
end
