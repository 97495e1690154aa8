class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::Error
    "No answer"
  end
end
