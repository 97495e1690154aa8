class SupportAgent < RubyLLM::Agent
  instructions "Be kind."

  def answer(text)
    ask(text).content
  end
end
