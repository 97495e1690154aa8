class HelperAgent < RubyLLM::Agent
  model "openai/gpt-5-mini"
  instructions "Help."
  system_prompt "Help more."
end
