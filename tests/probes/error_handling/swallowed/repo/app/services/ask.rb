class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue RubyLLM::Error => e
    Rails.logger.error(e.message)
    nil
  end
end
