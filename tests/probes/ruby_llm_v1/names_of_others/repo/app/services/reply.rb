# A comment may say chat.add_message(role: :user, content: text) and chat.complete.
class Order
  def complete = true
end

class Chat
  def add_message(role:, content:) = [role, content]
end

class Reply
  def answer(text)
    Order.new.complete
    Chat.new.add_message(role: :user, content: text)
    RubyLLM.chat.ask(text, with: "provider: :openrouter").content
  end
end
