def broken(:
    except:
        pass
