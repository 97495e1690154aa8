class Turn
  def take(text)
    reply = Ask.new.call(text)
    Store.add(text, reply)
    reply
  end
end
