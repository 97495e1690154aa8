class Ask
  def call(text)
    RubyLLM.chat.ask(text).content
  rescue => e
    Rails.logger.error(e)
    "Sorry, no answer: #{e.message}"
  end
end
