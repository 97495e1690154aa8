class Ask
  def initialize
    @chat = RubyLLM.chat
  end

  def call(text)
    @chat.ask(text).content
  rescue StandardError => error
    Rails.error.report(error)
    "The assistant cannot be reached."
  end
end
