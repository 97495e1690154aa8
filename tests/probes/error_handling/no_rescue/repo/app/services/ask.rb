class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  ensure
    Rails.logger.info("done")
  end
end
