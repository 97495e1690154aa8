class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::APIError, RubyLLM::AuthenticationError
    "No answer"
  end
end
