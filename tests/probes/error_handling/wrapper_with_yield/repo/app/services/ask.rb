class Ask
  def call(text)
    guarded { RubyLLM.chat.ask(text).content }
  end

  private

  def guarded
    yield
  rescue RubyLLM::Error, RubyLLM::ConfigurationError
    failure("The assistant is not available")
  end

  def failure(message) = { error: message }
end
