class Ask
  class Unreadable < StandardError; end

  def call(text) = ask(RubyLLM.chat, text).message_text

  private

  def ask(chat, text)
    chat.ask(text)
  rescue NoMethodError => e
    raise Unreadable, e.message
  end
end
