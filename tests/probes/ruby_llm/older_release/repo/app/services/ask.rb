class Ask
  def call(text)
    chat = RubyLLM.chat
    chat.before_message { puts "now" }
    answer = chat.ask(text).content
    [answer, chat.cost]
  end
end
