class ChatManager
  def process(text)
    Ask.new.call(text)
  end
end
