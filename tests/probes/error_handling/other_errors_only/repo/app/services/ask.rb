class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue KeyError, JSON::ParserError
    "No answer"
  end
end
