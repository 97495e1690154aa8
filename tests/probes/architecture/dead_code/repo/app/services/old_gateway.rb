class OldGateway
  def fetch(text)
    text
  end
end
